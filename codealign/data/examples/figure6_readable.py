# Readable implementation
def run_lengths(text: str) -> list[tuple[str, int]]:
    """Return each run of equal characters with its length."""
    runs: list[tuple[str, int]] = []
    for character in text:
        if runs and runs[-1][0] == character:
            length = runs[-1][1]
            runs[-1] = (character, length + 1)
        else:
            runs.append((character, 1))
    return runs
