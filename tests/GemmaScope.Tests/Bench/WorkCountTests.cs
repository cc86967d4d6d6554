using GemmaScope.Bench;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Bench;

public class WorkCountTests
{
    private static readonly GemmaConfig Config = GemmaConfig.Load(Fixtures.Model("demo-pt"));

    [Fact]
    public void one_token_multiplies_every_matrix_once_and_sees_itself()
    {
        var layer =
            2 * Config.Width * (2 * Config.Heads + 2 * Config.Shapes[0].KeyValueHeads) * Config.Shapes[0].HeadSize
            + 6 * Config.Width * Config.Shapes[0].MlpWidth;
        var attention = 4 * Config.Heads * Config.Shapes[0].HeadSize;
        Assert.Equal(Config.Layers * (layer + attention) + 2 * Config.Width * Config.VocabularyRows, WorkCount.Prefill(Config, 1));
    }

    [Fact]
    public void a_sliding_layer_sees_no_more_than_its_window()
    {
        var tokens = Config.Window + 10;
        var outside = 10 * 11 / 2; // the first of the last ten tokens misses one key, the last misses ten
        var all = WorkCount.Prefill(Config with { Shapes = [.. Config.Shapes.Select(shape => shape with { Sliding = false })] }, tokens);
        var hidden = 4.0 * Config.Heads * Config.Shapes[0].HeadSize * outside * Config.Shapes.Count(shape => shape.Sliding);
        Assert.Equal(all - hidden, WorkCount.Prefill(Config, tokens));
    }
}
