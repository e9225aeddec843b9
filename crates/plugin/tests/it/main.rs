//! Provider programs as they are: the AWS provider, where it is to be had.

mod aws;
