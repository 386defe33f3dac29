"""The codecs that come with reflectio, a module per family of types."""
