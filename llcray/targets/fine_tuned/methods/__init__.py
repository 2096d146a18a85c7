"""Fine-tuning of policies: reinforcement learning with a verifiable reward, preferences, supervision; one file each.

Importing this loads no JAX; a method's `build` does.
"""

from typing import Annotated

from pydantic import Field

from llcray.targets.fine_tuned.methods.dpo import DPO as DPO
from llcray.targets.fine_tuned.methods.grpo import GRPO as GRPO
from llcray.targets.fine_tuned.methods.method import MethodVariant as MethodVariant
from llcray.targets.fine_tuned.methods.ppo import PPO as PPO
from llcray.targets.fine_tuned.methods.sft import SFT as SFT

Method = Annotated[GRPO | PPO | DPO | SFT, Field(discriminator="kind")]
