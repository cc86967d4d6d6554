using GemmaScope.Text;
using Spectre.Console.Rendering;

namespace GemmaScope.Cli.Output;

/// <summary>The same for tables and colours: of all that is drawn, only the console's own codes steer the terminal.</summary>
internal sealed class VisibleSegments : IRenderHook
{
    public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
        renderables.Select(one => new Shown(one));

    private sealed class Shown(IRenderable drawn) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => drawn.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            drawn
                .Render(options, maxWidth)
                .Select(one =>
                    one.IsControlCode || one.IsLineBreak || VisibleText.IsAllSeen(one.Text)
                        ? one
                        : new Segment(VisibleText.Lines(one.Text).Replace('\r', '\u240D'), one.Style)
                );
    }
}
