"""A part of the parameters, and the check of plain data against it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from codealign.errors import CodealignError, nearest

Variant = Literal["pretrained", "finetuned"]
Requirement = Literal["functional", "non_functional"]
Stage = Literal["base", "sft", "dpo", "bonbon"]
ABSURD = 2**32
"""No setting means a number as large as this; seeds are below it."""
NEUTRAL = {"neutral": True}
"""`json_schema_extra` of a setting of pace or money: changing it makes no result stale."""


def _once(items: list[Any]) -> list[Any]:
    for place, item in enumerate(items):
        if item in items[:place]:
            raise ValueError(f"{item!r} stands there twice")
    return items


def _some(items: list[Any]) -> list[Any]:
    if not items:
        raise ValueError("is empty; name at least one")
    return _once(items)


Once = AfterValidator(_once)
"""Of a list in which nothing may stand twice."""
Some = AfterValidator(_some)
"""Of such a list that may not be empty either."""


class Section(BaseModel):
    """A part of the parameters; refuses unknown keys and wrong types (no silent conversion)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide what comes out: all but those marked `NEUTRAL`."""
        fields = type(self).model_fields.items()
        return self.model_dump(exclude={n for n, f in fields if f.json_schema_extra == NEUTRAL})


class Generation(Section):
    """How text is sampled."""

    temperature: float = Field(0.8, ge=0, le=100, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus sampling; 1 keeps all tokens")
    max_new_tokens: int = Field(256, ge=1, description="longest completion, in tokens")
    batch_size: int = Field(64, ge=1, description="sequences generated together")


AnySection = TypeVar("AnySection", bound=Section)


def validate(cls: type[AnySection], data: dict[str, Any], where: str) -> AnySection:
    """Build a section from plain data; every fault is named with its place.

    Raises
    ------
    CodealignError
        Unknown key (with the nearest valid one), missing key, wrong type or value out of range.
    """
    try:
        numbers = list(_numbers(data))
    except RecursionError:  # `a: &x [*x]` is valid YAML
        raise CodealignError(f"{where}: nested too deeply, or holds itself by an alias") from None
    if absurd := [f"{where}: {place}: {value:.3g} is no number for a setting"
                  for place, value in numbers if abs(value) >= ABSURD]:  # fmt: skip
        raise CodealignError("\n".join(absurd))
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        lines = [_explain(cls, e, where) for e in error.errors()]
        raise CodealignError("\n".join(lines)) from None


def _explain(cls: type[Section], error: Any, where: str) -> str:
    place = ".".join(str(p) for p in error["loc"])
    if error["type"] == "extra_forbidden":
        owner = _owner(cls, error["loc"][:-1])
        return f"{where}: unknown key {place!r}" + nearest(str(error["loc"][-1]), list(owner))
    value = error["input"]
    if value is None:
        return f"{where}: {place}: has no value; give one, or leave the line out for the default"
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", value):
        number = re.sub("([eE])", r".0\1", value)
        return f"{where}: {place}: {value} is text to YAML; write {number}"
    fault = error["msg"].removeprefix("Value error, ")
    at = f"{where}: {place}" if place else where
    return f"{at}: {fault}" + f" (found {value!r})" * (not isinstance(value, dict))


def _numbers(data: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers in plain data, each with its dotted place."""
    inside = data.items() if isinstance(data, dict) else ()
    inside = enumerate(data) if isinstance(data, list) else inside
    for key, value in inside:
        where = f"{place}.{key}" if place else str(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield where, value if isinstance(value, float) or value < 10**300 else math.inf
        yield from _numbers(value, where)


def _owner(cls: type[BaseModel], loc: tuple[Any, ...]) -> dict[str, Any]:
    for part in loc:
        field = cls.model_fields.get(str(part))
        if field is None:
            continue
        args = getattr(field.annotation, "__args__", ())
        cls = args[-1] if args else field.annotation
    return cls.model_fields
