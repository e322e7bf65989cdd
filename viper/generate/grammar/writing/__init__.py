"""From a logical form to a program: what finds objects, tests conditions and answers."""
