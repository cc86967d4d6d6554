using GemmaScope.Features;
using Xunit;

namespace GemmaScope.Tests.Features;

public sealed class FeatureLabelsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{\"feature\": 7, \"label\": \"dates\"}\n{\"feature\": 9, \"label\": \"names\"}\n")]
    [InlineData("{\"modelId\": \"m\", \"index\": \"7\", \"description\": \"dates\"}\r\n\r\n{\"index\": \"9\", \"description\": \"names\"}")]
    [InlineData(
        "{\"Component\": \"resid\", \"Feature\": \"7\", \"Name\": \"resid_0/7\", \"Annotation\": \"dates\"}\n{\"Feature\": \"9\", "
            + "\"Annotation\": \"names\"}\n{\"Feature\": \"11\", \"Name\": \"resid_0/11\"}"
    )]
    [InlineData("[{\"index\": 7, \"label\": \"dates\"}, {\"index\": 9, \"label\": \"names\"}, {\"index\": 11}]")]
    [InlineData(
        "[\n {\"index\": 7, \"label\": \"dates\"},\n {\"index\": 7, \"label\": \"second\"},\n {\"index\": 9, \"label\": \"names\"}\n]"
    )]
    [InlineData("{\"7\": \"dates\", \"9\": \"names\"}")]
    [InlineData("{\n  \"7\": \"dates\",\n  \"9\": \"names\"\n}")]
    [InlineData("index,label\n7,dates\n9,names\n")]
    [InlineData("model\tfeature\tdescription\nx\t7\tdates\nx\t9\tnames\n")]
    [InlineData("feature,density,label\r\n7,0.1,\"dates\"\r\n9,0.2,names\r\n")]
    public void labels_are_read_from_every_usual_form(string text)
    {
        var labels = Load(text);
        Assert.Equal(("dates", "names", null, 2), (labels[7], labels[9], labels[11], labels.Count));
    }

    [Fact]
    public void a_quoted_field_may_hold_separators_and_quotes() =>
        Assert.Equal("dates, \"years\"", Load("index,label\n7,\"dates, \"\"years\"\"\"\n")[7]);

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("a,b\n1,2\n")]
    [InlineData("{\"feature\": 7,")]
    [InlineData("[1, 2]")]
    [InlineData("{\"x\": {\"y\": 1}}")]
    [InlineData("index,label\nseven,dates\n")]
    public void a_file_without_labels_is_refused(string text) => Assert.Throws<FileFormatException>(() => Load(text));

    [Fact]
    public void a_missing_file_is_named() =>
        Assert.Contains("labels.csv", Assert.Throws<FileFormatException>(() => FeatureLabels.Load(_folder.File("labels.csv"))).Message);

    private FeatureLabels Load(string text)
    {
        File.WriteAllText(_folder.File("labels"), text);
        return FeatureLabels.Load(_folder.File("labels"));
    }
}
