"""A part of the parameters, and the check of plain data against it."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codealign.errors import CodealignError, nearest

Variant = Literal["pretrained", "finetuned"]
Requirement = Literal["functional", "non_functional"]
Stage = Literal["base", "sft", "dpo", "bonbon"]
NEUTRAL = {"neutral": True}
"""`json_schema_extra` of a setting of pace or money: changing it makes no result stale."""


class Section(BaseModel):
    """A part of the parameters; refuses unknown keys and wrong types (no silent conversion)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide what comes out: all but those marked `NEUTRAL`."""
        fields = type(self).model_fields.items()
        return self.model_dump(exclude={n for n, f in fields if f.json_schema_extra == NEUTRAL})


class Generation(Section):
    """How text is sampled."""

    temperature: float = Field(0.8, ge=0, description="0 is greedy")
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
        return cls.model_validate(data)
    except ValidationError as error:
        lines = [_explain(cls, e, where) for e in error.errors()]
        raise CodealignError("\n".join(lines)) from None


def _explain(cls: type[Section], error: Any, where: str) -> str:
    place = ".".join(str(p) for p in error["loc"])
    if error["type"] == "extra_forbidden":
        owner = _owner(cls, error["loc"][:-1])
        return f"{where}: unknown key {place!r}" + nearest(str(error["loc"][-1]), list(owner))
    return f"{where}: {place}: {error['msg']} (found {error['input']!r})"


def _owner(cls: type[BaseModel], loc: tuple[Any, ...]) -> dict[str, Any]:
    for part in loc:
        field = cls.model_fields.get(str(part))
        if field is None:
            continue
        args = getattr(field.annotation, "__args__", ())
        cls = args[-1] if args else field.annotation
    return cls.model_fields
