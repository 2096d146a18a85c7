"""Fine-tuning of policies: reinforcement learning with a verifiable reward, preferences, supervision; one file each.

Importing this loads no JAX; a method's `build` does.
"""

from typing import Annotated

from pydantic import Field

from llcray.fine_tuning.dpo import DPO as DPO
from llcray.fine_tuning.grpo import GRPO as GRPO
from llcray.fine_tuning.method import MethodVariant as MethodVariant
from llcray.fine_tuning.ppo import PPO as PPO
from llcray.fine_tuning.sft import SFT as SFT

Method = Annotated[GRPO | PPO | DPO | SFT, Field(discriminator="kind")]
