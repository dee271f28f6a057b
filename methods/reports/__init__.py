"""One page of a run: its facts are gathered from its folder, and the commands that make it again."""
