"""The shortest use: one synchronous call.

python examples/one_liner.py
"""

import onehop

result = onehop.run("return context.prices.map((p) => p * 2)", context={"prices": [1, 2.5]})
print(result.output)
