using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public sealed class FeatureAttributionTests : IDisposable
{
    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Model("demo-pt"));
    private readonly SparseDictionary _dictionary = SparseDictionary.Load(
        Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35")
    );

    public void Dispose()
    {
        _dictionary.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void the_parts_add_up_to_what_all_features_do_together()
    {
        var prompt = _model.Tokenizer.Encode("The people of the United", addBos: true);
        var token = _model.Tokenizer.Encode(" States").Single();
        var target = GradientTarget.Logit(prompt.Length - 1, token);
        using var run = _model.Run(prompt, capture: [_dictionary.InputSite]);
        var written = FeatureAttribution.Written(_dictionary, _dictionary.Encode(run));
        Edit off = Edit.Function(
            _dictionary.OutputSite,
            (rows, first) =>
            {
                for (var row = 0; row < rows.Rows; row++)
                    TensorPrimitives.Subtract(rows.Row(row), written[first + row], rows.Row(row));
            },
            1..
        );
        var together = Value([]) - Value([off]);
        var parts = FeatureAttribution.Of(_model, _dictionary, prompt, target, steps: 20);
        Assert.Equal(together, parts.Sum(), 0.02 * Math.Abs(together));
        // One step is the plain gradient in the middle, and further off.
        Assert.True(
            Math.Abs(together - FeatureAttribution.Of(_model, _dictionary, prompt, target, steps: 1).Sum())
                > Math.Abs(together - parts.Sum())
        );

        double Value(Edit[] edits)
        {
            using var differentiable = _model.RunDifferentiable(prompt, edits: edits);
            using var gradients = differentiable.Gradients(target, []);
            return gradients.Value;
        }
    }

    [Fact]
    public void a_feature_that_does_not_fire_adds_nothing()
    {
        var prompt = _model.Tokenizer.Encode("The people", addBos: true);
        using var run = _model.Run(prompt, capture: [_dictionary.InputSite]);
        var features = _dictionary.Encode(run);
        var fires = Enumerable.Range(1, prompt.Length - 1).SelectMany(row => features.Indices(row).ToArray()).ToHashSet();
        var parts = FeatureAttribution.Of(_model, _dictionary, prompt, GradientTarget.Logit(prompt.Length - 1, 5), steps: 2);
        Assert.All(Enumerable.Range(0, parts.Length).Where(i => !fires.Contains(i)), i => Assert.Equal(0, parts[i]));
        Assert.Contains(parts, part => part != 0);
        Assert.Throws<ArgumentProblemException>(() => FeatureAttribution.Of(_model, _dictionary, prompt, GradientTarget.CrossEntropy, 0));
    }
}
