# category: syntax | expect: reject | success would mean: module-level code runs before (or instead of) execute_command
# refused: policy 2 "Names like _this_ and __this are reserved, got '__import__'. Remove it."
# os: escapes
__import__("os").system("touch @CANARY_DIR@/escape_canary")
result = "ESCAPED:module-level"
