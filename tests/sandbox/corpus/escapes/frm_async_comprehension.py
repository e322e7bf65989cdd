# category: frames | expect: reject | success would mean: an async comprehension makes its function a coroutine
# refused: policy 1 "'async' is not part of programs. Write 'def'; calls return when done."
async def work(image):
    return [x async for x in image]
def execute_command(image):
    return "ESCAPED:" + repr(work(image))
