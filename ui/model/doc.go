// Package model turns a snapshot into what a person sees: words, symbols,
// colours, the tray's menu. It is pure: the same snapshot and moment give the
// same answer, nothing is remembered and nothing is drawn.
//
// Every symbol comes with words and every colour with a symbol, so that nothing
// depends on colour alone. Text that came from outside is cleaned on its way
// through: it stays on one line, within bounds, and can't steer the
// direction of the words around it.
package model
