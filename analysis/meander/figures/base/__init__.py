"""What figures are made of: `series` turns an archive and a request into curves, `drawing` draws them and holds the style.

Figure modules and reports build on these two; whatever they need of them has no underscore.
"""
