/*
   kept as it is
 * really
*/
locals {
      /*
  inside
      */
  a /* x */ = /* y */ 1 /* z */
  b = [1, /* two */ 2]
}
