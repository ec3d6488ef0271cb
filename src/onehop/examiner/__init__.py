"""The program of the processes that parse code: see ``onehop.analysis``, which starts them."""
