from .files import load as load
from .files import save as save
from .language_model import language_model as language_model
from .target import target as target
