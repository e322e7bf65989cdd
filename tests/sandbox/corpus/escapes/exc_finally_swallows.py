# category: exceptions | expect: harmless | success would mean: return in finally swallows the exception, which is its own business
# gives: 'swallowed'
def execute_command(image):
    try:
        raise ValueError("x")
    finally:
        return "swallowed"
