# category: encoding | expect: harmless | success would mean: a coding cookie turns a comment into code
# gives: 'plain'
# -*- coding: utf-7 -*-
def execute_command(image):
    # +AAo-return "ESCAPED"
    return "plain"
