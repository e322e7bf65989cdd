# category: frames | expect: reject | success would mean: coroutines run code at odd times
# refused: policy 1 "'async' is not part of programs. Write 'def'; calls return when done."
async def work():
    return "ESCAPED"
def execute_command(image):
    try:
        work().send(None)
    except StopIteration as stop:
        return stop.args[0]
