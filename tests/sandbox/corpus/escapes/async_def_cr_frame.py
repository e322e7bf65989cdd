# category: frames | expect: reject | success would mean: cr_frame of an un-awaited coroutine
# refused: policy 1 "'async' is not part of programs. Write 'def'; calls return when done."
async def co():
    return 1
def execute_command(image):
    return "ESCAPED:" + repr(co().cr_frame.f_globals)[:40]
