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
        var layer = 2 * Config.Width * (2 * Config.Heads + 2 * Config.KeyValueHeads) * Config.HeadSize + 6 * Config.Width * Config.MlpWidth;
        var attention = 4 * Config.Heads * Config.HeadSize;
        Assert.Equal(Config.Layers * (layer + attention) + 2 * Config.Width * Config.VocabularyRows, WorkCount.Prefill(Config, 1));
    }

    [Fact]
    public void a_sliding_layer_sees_no_more_than_its_window()
    {
        var tokens = Config.Window + 10;
        var outside = 10 * 11 / 2; // the first of the last ten tokens misses one key, the last misses ten
        var all = WorkCount.Prefill(Config with { Sliding = [.. Config.Sliding.Select(_ => false)] }, tokens);
        var hidden = 4.0 * Config.Heads * Config.HeadSize * outside * Config.Sliding.Count(sliding => sliding);
        Assert.Equal(all - hidden, WorkCount.Prefill(Config, tokens));
    }
}
