"""An interactive analysis environment for the Zwicky Transient Facility's alert stream."""
