# category: syntax | expect: reject | success would mean: an entry that asks for what nobody gives
# refused: check 1 "execute_command asks for the parameter 'session', which is not given. "
def execute_command(image, session):
    return "ESCAPED:" + repr(session)
