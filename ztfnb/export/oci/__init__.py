"""An image of a bundle as one file, made with no daemon, no root and no container."""
