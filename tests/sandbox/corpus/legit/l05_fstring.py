# legit: f-string with format spec | must run
# value: '2 cars, mean width 95.0'
def execute_command(image):
    ip = ImagePatch(image)
    n = len(ip.find("car"))
    return f"{n} cars, mean width {sum(c.width for c in ip.find('car')) / max(n, 1):.1f}" 
