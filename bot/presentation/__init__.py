"""What people see: words in their language, buttons, captions and pictures of ours."""
