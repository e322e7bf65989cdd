"""The code generator: from a logical form to a program that finds objects, tests them and answers."""
