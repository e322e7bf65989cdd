# category: syntax | expect: reject | success would mean: positional-only parameter shadows _getattr_ (CVE-2026-55830)
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    def raw(_getattr_, /, o=None):
        return o.gi_frame
    return "ESCAPED:" + repr(raw(lambda o, n: o, (x for x in [])))
