# With proper error handling
def average(numbers: list[float]) -> float:
    """Return the arithmetic mean of at least one number."""
    if not isinstance(numbers, list):
        raise TypeError(f"numbers must be a list, not {type(numbers).__name__}")
    if not numbers:
        raise ValueError("numbers is empty: a mean needs at least one")
    return sum(numbers) / len(numbers)
