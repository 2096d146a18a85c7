from .files import load as load
from .files import save as save
from .language_model import language_model as language_model
from .language_model import next_token_loss as next_token_loss
from .lightning_callback import LLCLightningCallback as LLCLightningCallback
from .target import target as target
from .trainer_callback import LLCTrainerCallback as LLCTrainerCallback
