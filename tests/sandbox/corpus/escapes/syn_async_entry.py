# category: syntax | expect: reject | success would mean: an entry that returns a coroutine
# refused: policy 1 "'async' is not part of programs. Write 'def'; calls return when done."
async def execute_command(image):
    return "ESCAPED"
