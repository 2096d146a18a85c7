"""`llcray new`: a commented sweep file to start from, of a template or of the user's own data.

The templates are the `.yaml` files of this package, in which `$name` stands for what is read from the data.
"""

from llcray.templates.new_sweep import new_sweep as new_sweep
