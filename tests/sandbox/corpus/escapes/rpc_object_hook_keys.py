# category: rpc | expect: bounded | success would mean: dict with magic keys (__class__, py/object, $type) given to a decoder with hooks
# gives: {'__class__': 'os.system', 'py/object': 'os.system', '__type__': 'subprocess.Popen'}
def execute_command(image):
    return {"__class__": "os.system", "py/object": "os.system", "__type__": "subprocess.Popen"}
