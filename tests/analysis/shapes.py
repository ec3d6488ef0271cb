"""Texts made of one piece again and again: what a parser may recurse on, or be slow at."""

from __future__ import annotations

from typing import Final

SHAPES: Final = (
    *"{ [ ( ` < > ! - ~ . ' \" 0 a # $ @ = ; , | & \\ \u2028 \ufeff \U0001f600".split(" "),
    *("{a:", "[{", "({", "${", "`${", "`a${`", "{{{", "(((a)=>", "))))", "}}}}", "]]]]"),
    *("a=>", "a=>{", "async()=>", "a=", "(a=", "a,", "(a,", "a?", "a?b:", "a??", "a||", "a**"),
    *("typeof ", "void ", "await ", "new ", "delete ", "yield ", "+ +", "...", "throw "),
    *(".a", "?.a", "[a]", "(a)", "a.", "a[", "a(", "a\n", "a`", "a.b(c)"),
    *("/*", "//\n", "/a/", "/(", "/[", "/a/.b(", "<!--", "-->\n"),
    *("if(a)", "if(a){", "else ", "for(;;)", "for(;;){", "while(1)", "do ", "try{", "a:"),
    *("switch(a){case 1:", "function f(){", "class A{", "class A extends ", "class A{a="),
    *("class A{static{", "({a(){", "let [", "let {a:", "import(", "import a from 'a';", "export {"),
    *("<a>", "<a b={", "<a/>", "<>", "</", "a<", "a<b,", "type A<", "type A=", "A|", "A&"),
    *("keyof ", "infer ", "A extends B ? ", "a as ", "a satisfies ", "interface A{a:"),
    *("namespace A{", "enum A{", "declare ", "abstract ", "@a ", "@a() class A{", "<A>", "a!"),
)
