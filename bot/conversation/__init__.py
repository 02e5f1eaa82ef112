"""What the routers share: questions asked, replies understood, and where to answer."""
