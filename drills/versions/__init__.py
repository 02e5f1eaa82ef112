"""Model versions under load: promoted, rolled back, broken and killed while people use them."""
