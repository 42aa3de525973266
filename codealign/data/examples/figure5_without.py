# Without error handling
def average(numbers):
    return sum(numbers) / len(numbers)  # [] divides by zero, {1: 9} gives 1.0
