package main

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgsvg" // the format of the charts
)

// The size of a chart.
const (
	chartWidth  = 18 * vg.Centimeter
	chartHeight = 9 * vg.Centimeter
)

// colors tell the series apart, even for people who do not see all colours
// (Okabe and Ito, jfly.uni-koeln.de/color).
var colors = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	color.RGBA{0x80, 0x80, 0x80, 0xff},
}

func colorOf(i int) color.Color { return colors[i%len(colors)] }

// draw draws the charts of the wanted results into dir. What failed or has
// nothing to show has no chart.
func (r *Report) draw(dir string, wanted func(*Result) bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, result := range r.Results {
		if len(result.Series) == 0 || result.Failed != "" || !wanted(result) {
			continue
		}
		if err := result.draw(filepath.Join(dir, result.Experiment+".svg")); err != nil {
			errs = append(errs, fmt.Errorf("chart of %s: %w", result.Experiment, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Result) draw(path string) error {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = r.Axes.Title, r.Axes.X, r.Axes.Y
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	var err error
	if len(r.Axes.Labels) > 0 {
		err = r.addBars(p)
	} else {
		err = r.addLines(p)
	}
	if err != nil {
		return err
	}
	r.scale(p)
	return p.Save(chartWidth, chartHeight, path)
}

// scale makes axes logarithmic where they are to be, and begins the values at
// zero where not.
func (r *Result) scale(p *plot.Plot) {
	if r.Axes.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	if r.Axes.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		return
	}
	p.Y.Min = 0
}

func (r *Result) addLines(p *plot.Plot) error {
	for i, s := range r.Series {
		points := make(plotter.XYs, 0, len(s.Points))
		for _, q := range s.Points {
			points = append(points, plotter.XY{X: r.visible(q.X, r.Axes.LogX), Y: r.visible(q.Y, r.Axes.LogY)})
		}
		if len(points) == 0 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = colorOf(i), vg.Points(1.5)
		marks.Color, marks.Radius = colorOf(i), vg.Points(1.5)
		p.Add(line, marks)
		p.Legend.Add(s.Name, line)
	}
	return nil
}

// visible is v, or the least value that a logarithmic axis shows.
func (r *Result) visible(v float64, log bool) float64 {
	if log {
		return math.Max(v, 1e-3)
	}
	return v
}

func (r *Result) addBars(p *plot.Plot) error {
	const width = 1 * vg.Centimeter
	for i, s := range r.Series {
		bars, err := plotter.NewBarChart(plotter.Values(s.Bars), width)
		if err != nil {
			return err
		}
		bars.Color, bars.LineStyle.Width = colorOf(i), 0
		bars.Offset = width * vg.Length(2*i-len(r.Series)+1) / 2 * 1.1
		p.Add(bars)
		p.Legend.Add(s.Name, bars)
	}
	p.NominalX(r.Axes.Labels...)
	return nil
}
