"""Settings that all tests share."""

from hypothesis import HealthCheck, settings

# A fresh example database per run and no deadline: a slow shared machine must not make a right program look wrong.
settings.register_profile("qenex", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("qenex")
