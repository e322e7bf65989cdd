# legit: dict.get/items/values, dict comprehension | must run
# value: 'dog=2, cat=1, bird=1'
def execute_command(image):
    ip = ImagePatch(image)
    d = {k: len(ip.find(k)) for k in ["cat", "dog"]}
    d["bird"] = d.get("bird", 0) + 1
    return ", ".join(k + "=" + str(v) for k, v in sorted(d.items(), key=lambda kv: -kv[1]))
