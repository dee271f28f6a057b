"""Pure parts: maths, networks, data, inference, evaluation. Nothing here knows how a method puts them together."""
