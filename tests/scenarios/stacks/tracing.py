"""Stacks are right while the program traces itself, from inside its trace and profile functions too."""


def check(lab, run):
    lab.same_stacks(run, least=12)


def tracer(frame, event, argument):
    if event == "line" and frame.f_code is work.__code__:
        mark("in a trace function")
    return tracer


def profiler(frame, event, argument):
    if event in ("call", "c_call") and frame.f_code is work.__code__:
        sys.setprofile(None)
        mark("in a profile function")
        sys.setprofile(profiler)


def work():
    mark("work")
    len([])
    return [mark("in a list")
            for _ in range(2)]


if __name__ == "__main__":
    import sys

    from mark import mark

    sys.settrace(tracer)
    work()
    sys.settrace(None)
    sys.setprofile(profiler)
    work()
    sys.setprofile(None)
    work()
    if hasattr(sys, "monitoring"):
        sys.monitoring.use_tool_id(3, "scenario")
        sys.monitoring.register_callback(3, sys.monitoring.events.LINE, lambda code, line: mark("monitoring"))
        sys.monitoring.set_local_events(3, work.__code__, sys.monitoring.events.LINE)
        work()
        sys.monitoring.set_local_events(3, work.__code__, 0)
        sys.monitoring.free_tool_id(3)
    work()
