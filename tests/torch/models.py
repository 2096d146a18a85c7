"""Small random networks, each with a loss of single examples and data, by what they exercise."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Made = tuple[nn.Module, Callable[[Any, Any], torch.Tensor], dict[str, torch.Tensor]]


def classes(module: nn.Module, batch: Any) -> torch.Tensor:
    return nn.functional.cross_entropy(module(batch["x"]), batch["y"], reduction="none")


def next_tokens(module: nn.Module, batch: Any) -> torch.Tensor:
    tokens = batch["tokens"]
    logits = module(tokens[:, :-1])
    return nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none").mean(1)


def images(size: int, channels: int = 3) -> dict[str, torch.Tensor]:
    return {"x": torch.randn(4, channels, size, size), "y": torch.randint(0, 5, (4,))}


def tokens() -> dict[str, torch.Tensor]:
    return {"tokens": torch.randint(0, 13, (4, 9))}


def mlp() -> Made:
    return nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 5)), classes, {
        "x": torch.randn(4, 6), "y": torch.randint(0, 5, (4,))
    }  # fmt: skip


class Residual(nn.Module):
    """torchvision's basic block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.downsample(x)
        return self.relu(out)


def resnet() -> Made:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Residual(4, 6, 2),
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(6, 5),
    )  # fmt: skip
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    return module, classes, images(16)


class UNet(nn.Module):
    """Encoder and decoder with skip connections, group norms, transposed convolutions; a loss of each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = self._block(1, 4), self._block(4, 8)
        self.middle, self.up1 = self._block(8, 8), nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.up2, self.out1 = nn.Upsample(scale_factor=2, mode="bilinear"), self._block(16, 4)
        self.out2, self.head = self._block(8, 4), nn.Conv2d(4, 2, 1)

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(2, outputs), nn.SiLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.down1(x)
        b = self.down2(nn.functional.max_pool2d(a, 2))
        c = self.up1(self.middle(nn.functional.avg_pool2d(b, 2)))
        d = self.out1(torch.cat([b, c], 1))
        return self.head(self.out2(torch.cat([a, self.up2(d)], 1)))


def unet() -> Made:
    def pixels(module: nn.Module, batch: Any) -> torch.Tensor:
        return nn.functional.cross_entropy(module(batch["x"]), batch["y"], reduction="none").mean((1, 2))

    return UNet(), pixels, {"x": torch.randn(4, 1, 8, 8), "y": torch.randint(0, 2, (4, 8, 8))}


class Recurrent(nn.Module):
    def __init__(self, rnn: nn.Module, width: int) -> None:
        super().__init__()
        self.tokens, self.rnn, self.head = nn.Embedding(13, 6), rnn, nn.Linear(width, 13)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.tokens(x))[0])


def lstm() -> Made:
    return Recurrent(nn.LSTM(6, 8, num_layers=2, batch_first=True, dropout=0.1), 8), next_tokens, tokens()


def gru_both_ways() -> Made:
    return Recurrent(nn.GRU(6, 4, batch_first=True, bidirectional=True), 8), next_tokens, tokens()


class Attention(nn.Module):
    """nanoGPT's attention, by a mask or by torch's own function, with rotary positions."""

    def __init__(self, by_mask: bool) -> None:
        super().__init__()
        self.qkv, self.out, self.by_mask = nn.Linear(8, 24), nn.Linear(8, 8), by_mask
        self.register_buffer("tril", torch.tril(torch.ones(16, 16)))
        self.register_buffer("frequencies", 1.0 / 100 ** (torch.arange(0, 4, 2) / 4), persistent=False)

    def rotated(self, x: torch.Tensor) -> torch.Tensor:
        angles = torch.outer(torch.arange(x.shape[-2]), self.get_buffer("frequencies")).repeat(1, 2)
        a, b = x.chunk(2, -1)
        return x * angles.cos() + torch.cat([-b, a], -1) * angles.sin()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        q, k, v = (part.view(n, length, 2, 4).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        q, k = self.rotated(q), self.rotated(k)
        if self.by_mask:
            scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / math.sqrt(4)
            hidden = self.get_buffer("tril")[:length, :length] == 0
            y = nn.functional.dropout(scores.masked_fill(hidden, -torch.inf).softmax(-1), 0.1, self.training) @ v
        else:
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).contiguous().view(n, length, width))


class Transformer(nn.Module):
    """Two layers, tied embeddings, norms before."""

    def __init__(self, by_mask: bool) -> None:
        super().__init__()
        self.tok = nn.Embedding(13, 8)
        self.layers = nn.ModuleList(
            nn.ModuleDict({
                "ln1": nn.LayerNorm(8), "attn": Attention(by_mask), "ln2": nn.RMSNorm(8),
                "in": nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 8)),
            }) for _ in range(2)
        )  # fmt: skip
        self.head = nn.Linear(8, 13, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.tok(x)
        for layer in self.layers:
            parts: Any = layer
            h = h + parts["attn"](parts["ln1"](h))
            h = h + parts["in"](parts["ln2"](h))
        return self.head(h)


def transformer() -> Made:
    return Transformer(by_mask=False), next_tokens, tokens()


def masked_transformer() -> Made:
    return Transformer(by_mask=True), next_tokens, tokens()


class VisionTransformer(nn.Module):
    """Patches, a class token and registers, torch's own encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.class_token, self.registers = nn.Parameter(torch.randn(1, 1, 8)), nn.Parameter(torch.randn(1, 3, 8))
        self.places = nn.Parameter(0.1 * torch.randn(1, 5, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu")
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.class_token.expand(x.shape[0], -1, -1), h], 1) + self.places
        h = torch.cat([h, self.registers.expand(x.shape[0], -1, -1)], 1)
        return self.head(self.encoder(h)[:, 0])


def vision_transformer() -> Made:
    return VisionTransformer(), classes, images(8)


class GraphNetwork(nn.Module):
    """Messages along edges, summed, averaged and maximised at their ends by scatter, as torch_geometric does."""

    def __init__(self) -> None:
        super().__init__()
        self.message, self.update, self.head = nn.Linear(9, 8), nn.Linear(4 + 24, 4), nn.Linear(4, 1)

    def forward(self, nodes: torch.Tensor, edges: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            ends = [nodes.gather(1, edges[:, i, :, None].expand(-1, -1, 4)) for i in (0, 1)]
            messages = nn.functional.relu(self.message(torch.cat([*ends, weights[..., None]], -1)))
            to = edges[:, 1, :, None].expand(-1, -1, 8)
            nothing = torch.zeros(nodes.shape[0], nodes.shape[1], 8)
            received = [nothing.scatter_add(1, to, messages)]
            received += [nothing.scatter_reduce(1, to, messages, how, include_self=False) for how in ("mean", "amax")]
            nodes = nodes + torch.tanh(self.update(torch.cat([nodes, *received], -1)))
        return self.head(nodes.mean(1))[:, 0]


def graph_network() -> Made:
    def squared(module: nn.Module, batch: Any) -> torch.Tensor:
        return (module(batch["nodes"], batch["edges"], batch["weights"]) - batch["y"]) ** 2 / 2

    edges = torch.randint(0, 6, (4, 2, 11))
    data = {"nodes": torch.randn(4, 6, 4), "edges": edges, "weights": torch.rand(4, 11), "y": torch.randn(4)}
    return GraphNetwork(), squared, data


class Experts(nn.Module):
    """Two of four experts a token, chosen by a router; all are computed and weighed."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(8, 4, bias=False)
        self.up, self.down = nn.Parameter(0.3 * torch.randn(4, 8, 16)), nn.Parameter(0.3 * torch.randn(4, 16, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top, chosen = self.router(x).softmax(-1).topk(2, -1)
        gates = torch.zeros_like(self.router(x)).scatter(-1, chosen, top / top.sum(-1, keepdim=True))
        outputs = torch.einsum("btd,edh->bteh", x, self.up).relu().square()
        return (torch.einsum("bteh,ehd->bted", outputs, self.down) * gates[..., None]).sum(2)


def mixture_of_experts() -> Made:
    module = nn.Sequential(nn.Embedding(13, 8), Experts(), nn.LayerNorm(8), Experts(), nn.Linear(8, 13))
    return module, next_tokens, tokens()


class Convolutions(nn.Module):
    """Dilated, grouped and transposed convolutions, norms of instances, resizing, padding, activations."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.norm = nn.Conv2d(3, 4, 3, padding=2, dilation=2), nn.InstanceNorm2d(4, affine=True)
        self.b, self.c = nn.Conv2d(4, 8, 3, padding="same", groups=4), nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1)
        self.prelu, self.fc = nn.PReLU(4), nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.hardswish(self.norm(self.a(x)))
        x = self.prelu(self.c(nn.functional.avg_pool2d(nn.functional.softplus(self.b(x)), 2)))
        x = nn.functional.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        x = nn.functional.pad(
            nn.functional.interpolate(nn.functional.mish(x), scale_factor=2, mode="nearest"),
            (1, 1, 1, 1),
            mode="reflect",
        )
        return self.fc(nn.functional.elu(nn.functional.adaptive_avg_pool2d(x, (2, 2))).flatten(1))


def convolutions() -> Made:
    return Convolutions(), classes, images(8)


class Series(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv1d(3, 4, 5, stride=2), nn.BatchNorm1d(4), nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(nn.functional.max_pool1d(self.norm(self.conv(x)), 2).logsumexp(-1))


def series() -> Made:
    return Series(), classes, {"x": torch.randn(4, 3, 16), "y": torch.randint(0, 5, (4,))}


class Spectral(nn.Module):
    """A Fourier neural operator's layer, after rotary positions by complex numbers, as Llama's first code has them."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.weights = nn.Linear(4, 4), nn.Parameter(0.3 * torch.randn(4, 4, 5, 2))
        self.head = nn.Linear(4, 5)
        angles = torch.outer(torch.arange(16), 1.0 / 100 ** (torch.arange(0, 4, 2) / 4))
        self.register_buffer("rotation", torch.polar(torch.ones_like(angles), angles))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pairs = torch.view_as_complex(self.mix(x).unflatten(-1, (2, 2)))
        h = torch.view_as_real(pairs * self.get_buffer("rotation")).flatten(-2).transpose(1, 2)
        modes = torch.einsum("bim,iom->bom", torch.fft.rfft(h)[..., :5], torch.view_as_complex(self.weights))
        h = nn.functional.gelu(h + torch.fft.irfft(modes, n=16))
        power = torch.stft(h.flatten(0, 1), 8, hop_length=4, window=torch.hann_window(8), return_complex=True).abs()
        return self.head(power.unflatten(0, (x.shape[0], 4)).mean((2, 3)))


def spectral() -> Made:
    return Spectral(), classes, {"x": torch.randn(4, 16, 4), "y": torch.randint(0, 5, (4,))}


class SpatialTransformer(nn.Module):
    """An image that is turned, scaled and moved before it is classified, and patches put together again."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.head = nn.Linear(64, 6), nn.Linear(36, 5)
        with torch.no_grad():
            self.place.weight.mul_(0.1)
            self.place.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grid = nn.functional.affine_grid(self.place(x.flatten(1)).view(-1, 2, 3), list(x.shape), align_corners=False)
        x = nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
        x = nn.functional.interpolate(x, size=(6, 6), mode="bicubic", antialias=True)
        return self.head(nn.functional.fold(nn.functional.unfold(x, 3, padding=1), (6, 6), 3, padding=1).flatten(1))


def spatial_transformer() -> Made:
    return SpatialTransformer(), classes, images(8, channels=1)


class Gaussian(nn.Module):
    """A density whose covariance is made of an orthogonal matrix and scales; its loss is -log p."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3, bias=False))
        self.mean, self.scales = nn.Parameter(torch.randn(3)), nn.Parameter(torch.rand(3) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        factor = torch.linalg.cholesky(self.turn.weight @ self.turn(torch.diag(self.scales.square())))
        away = torch.linalg.solve_triangular(factor, (x - self.mean).T, upper=False)
        return away.square().sum(0) / 2 + torch.logdet(factor)


def gaussian() -> Made:
    return Gaussian(), lambda module, batch: module(batch["x"]), {"x": torch.randn(4, 3)}


MODELS: dict[str, Callable[[], Made]] = {
    made.__name__: made
    for made in (
        mlp, resnet, unet, lstm, gru_both_ways, transformer, masked_transformer, vision_transformer, graph_network,
        mixture_of_experts, convolutions, series, spectral, spatial_transformer, gaussian,
    )
}  # fmt: skip
