def slower(t): return t
def spoken(t): return t
