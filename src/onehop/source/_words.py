"""What a model reads when its code uses syntax that the sandbox has no place for."""

IMPORT = (
    "import is not available in the sandbox: there are no modules to load. "
    "Use the data in `context` and the built-in globals instead"
)
EXPORT = (
    "export has no meaning here: the code is the body of an async function. "
    "Return the value instead"
)
IMPORT_META = (
    "import.meta is not available in the sandbox: "
    "the code is the body of an async function, not a module"
)
AWAIT = (
    "await is only valid in async functions: make the function around it async. "
    "At the top level of the code await works"
)
JSX = "JSX is not supported: build a string or a plain object instead"
LOOKS_LIKE_TYPESCRIPT = 'This looks like TypeScript: send it with language "typescript"'
END_OF_INPUT = "Unexpected end of input"
