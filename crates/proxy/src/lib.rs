//! HTTP load balancer: routes, upstream pool, drain.
