"""``code_execute`` as the tool of an agent framework: a module for each, loaded when used."""
