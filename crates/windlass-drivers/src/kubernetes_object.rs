//! Kubernetes objects (`template`, `externalRef`): being built.
