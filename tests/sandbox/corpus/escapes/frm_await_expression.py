# category: frames | expect: reject | success would mean: await calls __await__
# refused: policy 1 "'async' is not part of programs. Write 'def'; calls return when done."
async def work(image):
    await image
def execute_command(image):
    return "ESCAPED:" + repr(work(image))
